import { scenarios } from "@anax/kts/scenarios";

scenarios(import.meta.url);
