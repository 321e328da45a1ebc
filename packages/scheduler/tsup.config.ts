import { library } from "../kts/src/presets/tsup.js";

// CommonJS, too, has every class once: a policy of "@anax/scheduler" is one to "@anax/scheduler/host".
export default { ...library(), splitting: true };
