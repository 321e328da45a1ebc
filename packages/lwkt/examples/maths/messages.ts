import { defineMessage, definePort } from "@anax/lwkt/host";

export const Add = defineMessage({ number: 256, name: "add", request: { a: "i32", b: "i32" }, reply: { sum: "i32" } });
export const Maths = definePort("maths", { add: Add });
