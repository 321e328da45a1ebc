import { readmeExamples } from "@anax/kts/readme";

readmeExamples(import.meta.url);
