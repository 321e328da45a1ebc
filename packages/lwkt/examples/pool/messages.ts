import { defineMessage, definePort, json } from "@anax/lwkt/host";

/** Calls the function called `name` with JSON arguments. */
export const Task = defineMessage({
  number: 256,
  name: "task",
  request: { name: "text", args: json<unknown[]>() },
  reply: { value: "json" },
});
export const Tasks = definePort("tasks", { task: Task });
