/**
 * @anax/pkgsrc-client: the rules and formats of pkgsrc's binary packages, a solver and a transaction planner, without I/O.
 */
export { betterName, compareBytes, DeweyOp, satisfies, VersionComparer, VersionCursor, versionStart } from "./dewey";
export { globMatch } from "./glob";
export { Pattern, PatternKind } from "./pattern";
