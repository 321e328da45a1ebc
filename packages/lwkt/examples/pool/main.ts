import { Pool } from "./pool.js";

await using pool = await Pool.create(new URL("./worker.js", import.meta.url), 2);
const tasks = [10, 20, 30].map((n) => pool.run("fibonacci", [n]));
console.log(...(await Promise.all(tasks))); // => 55 6765 832040
console.log(await pool.run("reverse", ["lwkt"])); // => tkwl
console.log(await pool.run("launch", []).catch((error: Error) => error.message)); // => ENOENT: no function "launch"
