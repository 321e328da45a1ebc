import { tests } from "../kts/src/presets/vitest.js";

export default tests();
