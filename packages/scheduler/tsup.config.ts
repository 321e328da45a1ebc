import { library } from "../kts/src/presets/tsup.js";

export default library();
