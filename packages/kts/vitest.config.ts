import { tests } from "./src/presets/vitest.js";

export default tests();
