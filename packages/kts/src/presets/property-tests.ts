/** Set-up of test files: property tests take the run's seed. */
import fc from "fast-check";
import { testSeed } from "./seed.js";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: testSeed() });
