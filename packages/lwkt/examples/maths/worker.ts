import { serve } from "@anax/lwkt/host";
import { Maths } from "./messages.js";

serve(Maths, { add: ({ a, b }) => ({ sum: a + b }) });
