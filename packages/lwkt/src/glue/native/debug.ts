/** Whether misuse is looked for where looking costs something, AssemblyScript side: in builds without optimization. */
export const DEBUG: bool = ASC_OPTIMIZE_LEVEL == 0;
