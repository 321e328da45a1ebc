/**
 * Dispatch: the function of each system call by its number, and which calls are restarted after a signal handler.
 *
 * Neighbours: `table.ts` (what is said about each call; a test compares), `abi.ts` (calls through the table). Invariant: every slot
 * has a function; `sysNosys` counts and answers ENOSYS.
 * Source: signal(7), "Interruption of system calls and library functions by signal handlers".
 */
import type { i32 } from "@anax/portable";
import type { SyscallHandler } from "./context";
import {
  sysGetegid,
  sysGeteuid,
  sysGetgid,
  sysGetgroups,
  sysGetresgid,
  sysGetresuid,
  sysGetuid,
  sysSetfsgid,
  sysSetfsuid,
  sysSetgid,
  sysSetgroups,
  sysSetregid,
  sysSetresgid,
  sysSetresuid,
  sysSetreuid,
  sysSetuid,
} from "./cred";
import { sysGetdents, sysGetdents64 } from "./dir";
import {
  sysClose,
  sysCloseRange,
  sysCopyFileRange,
  sysCreat,
  sysDup,
  sysDup2,
  sysDup3,
  sysFallocate,
  sysFcntl,
  sysFlock,
  sysFsync,
  sysFtruncate,
  sysIoctl,
  sysLseek,
  sysMemfdCreate,
  sysOpen,
  sysOpenat,
  sysOpenat2,
  sysPipe,
  sysPipe2,
  sysPread64,
  sysPreadv,
  sysPreadv2,
  sysPwrite64,
  sysPwritev,
  sysPwritev2,
  sysRead,
  sysReadv,
  sysSendfile,
  sysSplice,
  sysSync,
  sysSyncfs,
  sysTee,
  sysTruncate,
  sysVmsplice,
  sysWrite,
  sysWritev,
} from "./file";
import { sysKcmp, sysProcessVmReadv, sysProcessVmWritev } from "./inspect";
import { sysGetrlimit, sysGetrusage, sysPrlimit64, sysSetrlimit, sysTimes } from "./limits";
import {
  sysBrk,
  sysMadvise,
  sysMincore,
  sysMlock,
  sysMlock2,
  sysMlockall,
  sysMmap,
  sysMprotect,
  sysMremap,
  sysMsync,
  sysMunlock,
  sysMunlockall,
  sysMunmap,
  sysPkeyAlloc,
  sysPkeyFree,
  sysPkeyMprotect,
} from "./memory";
import {
  sysCapget,
  sysCapset,
  sysFadvise64,
  sysFgetxattr,
  sysFlistxattr,
  sysFsetxattr,
  sysGetcpu,
  sysGetxattr,
  sysIoprioGet,
  sysIoprioSet,
  sysLgetxattr,
  sysListxattr,
  sysLlistxattr,
  sysLsetxattr,
  sysMembarrier,
  sysNosys,
  sysReadahead,
  sysSetxattr,
  sysSyncFileRange,
} from "./misc";
import {
  sysAccess,
  sysChdir,
  sysChmod,
  sysChown,
  sysChroot,
  sysFaccessat,
  sysFaccessat2,
  sysFchdir,
  sysFchmod,
  sysFchmodat,
  sysFchmodat2,
  sysFchown,
  sysFchownat,
  sysFutimesat,
  sysGetcwd,
  sysLchown,
  sysLink,
  sysLinkat,
  sysMkdir,
  sysMkdirat,
  sysMknod,
  sysMknodat,
  sysMount,
  sysReadlink,
  sysReadlinkat,
  sysRename,
  sysRenameat,
  sysRenameat2,
  sysRmdir,
  sysSymlink,
  sysSymlinkat,
  sysUmask,
  sysUmount2,
  sysUnlink,
  sysUnlinkat,
  sysUtime,
  sysUtimensat,
  sysUtimes,
} from "./name";
import {
  sysEpollCreate,
  sysEpollCreate1,
  sysEpollCtl,
  sysEpollPwait,
  sysEpollPwait2,
  sysEpollWait,
  sysEventfd,
  sysEventfd2,
  sysPoll,
  sysPpoll,
  sysPselect6,
  sysSelect,
  sysSignalfd,
  sysSignalfd4,
  sysTimerfdCreate,
  sysTimerfdGettime,
  sysTimerfdSettime,
} from "./poll";
import { sysArchPrctl, sysPersonality, sysPrctl } from "./prctl";
import {
  sysClone,
  sysClone3,
  sysExecve,
  sysExecveat,
  sysExit,
  sysExitGroup,
  sysFork,
  sysGetpgid,
  sysGetpgrp,
  sysGetpid,
  sysGetppid,
  sysGetsid,
  sysGettid,
  sysSetpgid,
  sysSetsid,
  sysUnshare,
  sysVfork,
  sysWait4,
  sysPidfdGetfd,
  sysVhangup,
  sysPidfdOpen,
  sysWaitid,
} from "./process";
import {
  sysGetpriority,
  sysSchedGetPriorityMax,
  sysSchedGetPriorityMin,
  sysSchedGetaffinity,
  sysSchedGetattr,
  sysSchedGetparam,
  sysSchedGetscheduler,
  sysSchedRrGetInterval,
  sysSchedSetaffinity,
  sysSchedSetattr,
  sysSchedSetparam,
  sysSchedSetscheduler,
  sysSchedYield,
  sysSetpriority,
} from "./sched";
import {
  sysKill,
  sysPause,
  sysRestartSyscall,
  sysRtSigaction,
  sysRtSigpending,
  sysRtSigprocmask,
  sysPidfdSendSignal,
  sysRtSigqueueinfo,
  sysRtSigreturn,
  sysRtSigsuspend,
  sysRtSigtimedwait,
  sysRtTgsigqueueinfo,
  sysSigaltstack,
  sysTgkill,
  sysTkill,
} from "./signal";
import {
  sysAccept,
  sysAccept4,
  sysBind,
  sysConnect,
  sysGetpeername,
  sysGetsockname,
  sysGetsockopt,
  sysListen,
  sysRecvfrom,
  sysRecvmmsg,
  sysRecvmsg,
  sysSendmmsg,
  sysSendmsg,
  sysSendto,
  sysSetsockopt,
  sysShutdown,
  sysSocket,
  sysSocketpair,
} from "./socket";
import { sysFstat, sysFstatfs, sysLstat, sysNewfstatat, sysStat, sysStatfs, sysStatx } from "./stat";
import { sysGetrandom, sysReboot, sysSetdomainname, sysSethostname, sysSysinfo, sysSyslog, sysUname } from "./system";
import {
  sysMsgctl,
  sysMsgget,
  sysMsgrcv,
  sysMsgsnd,
  sysSemctl,
  sysSemget,
  sysSemop,
  sysSemtimedop,
  sysShmat,
  sysShmctl,
  sysShmdt,
  sysShmget,
} from "./sysv";
import { sysFutex, sysGetRobustList, sysSetRobustList, sysSetTidAddress } from "./thread";
import {
  sysAlarm,
  sysClockGetres,
  sysClockGettime,
  sysClockNanosleep,
  sysClockSettime,
  sysGetitimer,
  sysGettimeofday,
  sysNanosleep,
  sysSetitimer,
  sysSettimeofday,
  sysTime,
  sysTimerCreate,
  sysTimerDelete,
  sysTimerGetoverrun,
  sysTimerGettime,
  sysTimerSettime,
} from "./time";
import { sysAdjtimex, sysClockAdjtime } from "./timex";
import { SYSCALL_LIMIT } from "./table";

/** Fills `h` with the handlers of all numbers, and one more for what lies outside the table. */
export function fillHandlers(h: Array<SyscallHandler>): void {
  for (let i = 0; i <= SYSCALL_LIMIT; i++) h.push(sysNosys);
  fillFirst(h);
  fillSecond(h);
}

function fillFirst(h: Array<SyscallHandler>): void {
  h[0] = sysRead;
  h[1] = sysWrite;
  h[2] = sysOpen;
  h[3] = sysClose;
  h[4] = sysStat;
  h[5] = sysFstat;
  h[6] = sysLstat;
  h[7] = sysPoll;
  h[8] = sysLseek;
  h[9] = sysMmap;
  h[10] = sysMprotect;
  h[11] = sysMunmap;
  h[12] = sysBrk;
  h[13] = sysRtSigaction;
  h[14] = sysRtSigprocmask;
  h[15] = sysRtSigreturn;
  h[16] = sysIoctl;
  h[17] = sysPread64;
  h[18] = sysPwrite64;
  h[19] = sysReadv;
  h[20] = sysWritev;
  h[21] = sysAccess;
  h[22] = sysPipe;
  h[23] = sysSelect;
  h[24] = sysSchedYield;
  h[25] = sysMremap;
  h[26] = sysMsync;
  h[27] = sysMincore;
  h[28] = sysMadvise;
  h[29] = sysShmget;
  h[30] = sysShmat;
  h[31] = sysShmctl;
  h[32] = sysDup;
  h[33] = sysDup2;
  h[34] = sysPause;
  h[35] = sysNanosleep;
  h[36] = sysGetitimer;
  h[37] = sysAlarm;
  h[38] = sysSetitimer;
  h[39] = sysGetpid;
  h[40] = sysSendfile;
  h[41] = sysSocket;
  h[42] = sysConnect;
  h[43] = sysAccept;
  h[44] = sysSendto;
  h[45] = sysRecvfrom;
  h[46] = sysSendmsg;
  h[47] = sysRecvmsg;
  h[48] = sysShutdown;
  h[49] = sysBind;
  h[50] = sysListen;
  h[51] = sysGetsockname;
  h[52] = sysGetpeername;
  h[53] = sysSocketpair;
  h[54] = sysSetsockopt;
  h[55] = sysGetsockopt;
  h[56] = sysClone;
  h[57] = sysFork;
  h[58] = sysVfork;
  h[59] = sysExecve;
  h[60] = sysExit;
  h[61] = sysWait4;
  h[62] = sysKill;
  h[63] = sysUname;
  h[64] = sysSemget;
  h[65] = sysSemop;
  h[66] = sysSemctl;
  h[67] = sysShmdt;
  h[68] = sysMsgget;
  h[69] = sysMsgsnd;
  h[70] = sysMsgrcv;
  h[71] = sysMsgctl;
  h[72] = sysFcntl;
  h[73] = sysFlock;
  h[74] = sysFsync;
  h[75] = sysFsync;
  h[76] = sysTruncate;
  h[77] = sysFtruncate;
  h[78] = sysGetdents;
  h[79] = sysGetcwd;
  h[80] = sysChdir;
  h[81] = sysFchdir;
  h[82] = sysRename;
  h[83] = sysMkdir;
  h[84] = sysRmdir;
  h[85] = sysCreat;
  h[86] = sysLink;
  h[87] = sysUnlink;
  h[88] = sysSymlink;
  h[89] = sysReadlink;
  h[90] = sysChmod;
  h[91] = sysFchmod;
  h[92] = sysChown;
  h[93] = sysFchown;
  h[94] = sysLchown;
  h[95] = sysUmask;
  h[96] = sysGettimeofday;
  h[97] = sysGetrlimit;
  h[98] = sysGetrusage;
  h[99] = sysSysinfo;
  h[100] = sysTimes;
  h[102] = sysGetuid;
  h[103] = sysSyslog;
  h[104] = sysGetgid;
  h[105] = sysSetuid;
  h[106] = sysSetgid;
  h[107] = sysGeteuid;
  h[108] = sysGetegid;
  h[109] = sysSetpgid;
  h[110] = sysGetppid;
  h[111] = sysGetpgrp;
  h[112] = sysSetsid;
  h[113] = sysSetreuid;
  h[114] = sysSetregid;
  h[115] = sysGetgroups;
  h[116] = sysSetgroups;
  h[117] = sysSetresuid;
  h[118] = sysGetresuid;
  h[119] = sysSetresgid;
  h[120] = sysGetresgid;
  h[121] = sysGetpgid;
  h[122] = sysSetfsuid;
  h[123] = sysSetfsgid;
  h[124] = sysGetsid;
  h[125] = sysCapget;
  h[126] = sysCapset;
  h[127] = sysRtSigpending;
  h[128] = sysRtSigtimedwait;
  h[129] = sysRtSigqueueinfo;
  h[130] = sysRtSigsuspend;
  h[131] = sysSigaltstack;
  h[132] = sysUtime;
  h[133] = sysMknod;
  h[135] = sysPersonality;
  h[137] = sysStatfs;
  h[138] = sysFstatfs;
  h[140] = sysGetpriority;
  h[141] = sysSetpriority;
  h[142] = sysSchedSetparam;
  h[143] = sysSchedGetparam;
  h[144] = sysSchedSetscheduler;
  h[145] = sysSchedGetscheduler;
  h[146] = sysSchedGetPriorityMax;
  h[147] = sysSchedGetPriorityMin;
  h[148] = sysSchedRrGetInterval;
  h[149] = sysMlock;
  h[150] = sysMunlock;
  h[151] = sysMlockall;
  h[152] = sysMunlockall;
  h[153] = sysVhangup;
  h[157] = sysPrctl;
  h[158] = sysArchPrctl;
  h[159] = sysAdjtimex;
  h[160] = sysSetrlimit;
  h[161] = sysChroot;
  h[162] = sysSync;
  h[164] = sysSettimeofday;
  h[165] = sysMount;
  h[166] = sysUmount2;
  h[169] = sysReboot;
  h[170] = sysSethostname;
  h[171] = sysSetdomainname;
  h[186] = sysGettid;
  h[187] = sysReadahead;
  h[188] = sysSetxattr;
  h[189] = sysLsetxattr;
  h[190] = sysFsetxattr;
  h[191] = sysGetxattr;
  h[192] = sysLgetxattr;
  h[193] = sysFgetxattr;
  h[194] = sysListxattr;
  h[195] = sysLlistxattr;
  h[196] = sysFlistxattr;
  h[197] = sysSetxattr;
  h[198] = sysLsetxattr;
  h[199] = sysFsetxattr;
  h[200] = sysTkill;
}

function fillSecond(h: Array<SyscallHandler>): void {
  h[201] = sysTime;
  h[202] = sysFutex;
  h[203] = sysSchedSetaffinity;
  h[204] = sysSchedGetaffinity;
  h[213] = sysEpollCreate;
  h[217] = sysGetdents64;
  h[218] = sysSetTidAddress;
  h[219] = sysRestartSyscall;
  h[220] = sysSemtimedop;
  h[221] = sysFadvise64;
  h[222] = sysTimerCreate;
  h[223] = sysTimerSettime;
  h[224] = sysTimerGettime;
  h[225] = sysTimerGetoverrun;
  h[226] = sysTimerDelete;
  h[227] = sysClockSettime;
  h[228] = sysClockGettime;
  h[229] = sysClockGetres;
  h[230] = sysClockNanosleep;
  h[231] = sysExitGroup;
  h[232] = sysEpollWait;
  h[233] = sysEpollCtl;
  h[234] = sysTgkill;
  h[235] = sysUtimes;
  h[247] = sysWaitid;
  h[251] = sysIoprioSet;
  h[252] = sysIoprioGet;
  h[257] = sysOpenat;
  h[258] = sysMkdirat;
  h[259] = sysMknodat;
  h[260] = sysFchownat;
  h[261] = sysFutimesat;
  h[262] = sysNewfstatat;
  h[263] = sysUnlinkat;
  h[264] = sysRenameat;
  h[265] = sysLinkat;
  h[266] = sysSymlinkat;
  h[267] = sysReadlinkat;
  h[268] = sysFchmodat;
  h[269] = sysFaccessat;
  h[270] = sysPselect6;
  h[271] = sysPpoll;
  h[272] = sysUnshare;
  h[273] = sysSetRobustList;
  h[274] = sysGetRobustList;
  h[275] = sysSplice;
  h[276] = sysTee;
  h[277] = sysSyncFileRange;
  h[278] = sysVmsplice;
  h[280] = sysUtimensat;
  h[281] = sysEpollPwait;
  h[282] = sysSignalfd;
  h[283] = sysTimerfdCreate;
  h[284] = sysEventfd;
  h[285] = sysFallocate;
  h[286] = sysTimerfdSettime;
  h[287] = sysTimerfdGettime;
  h[288] = sysAccept4;
  h[289] = sysSignalfd4;
  h[290] = sysEventfd2;
  h[291] = sysEpollCreate1;
  h[292] = sysDup3;
  h[293] = sysPipe2;
  h[295] = sysPreadv;
  h[296] = sysPwritev;
  h[297] = sysRtTgsigqueueinfo;
  h[299] = sysRecvmmsg;
  h[302] = sysPrlimit64;
  h[305] = sysClockAdjtime;
  h[306] = sysSyncfs;
  h[307] = sysSendmmsg;
  h[309] = sysGetcpu;
  h[310] = sysProcessVmReadv;
  h[311] = sysProcessVmWritev;
  h[312] = sysKcmp;
  h[314] = sysSchedSetattr;
  h[315] = sysSchedGetattr;
  h[316] = sysRenameat2;
  h[318] = sysGetrandom;
  h[319] = sysMemfdCreate;
  h[322] = sysExecveat;
  h[324] = sysMembarrier;
  h[325] = sysMlock2;
  h[326] = sysCopyFileRange;
  h[327] = sysPreadv2;
  h[328] = sysPwritev2;
  h[329] = sysPkeyMprotect;
  h[330] = sysPkeyAlloc;
  h[331] = sysPkeyFree;
  h[332] = sysStatx;
  h[424] = sysPidfdSendSignal;
  h[434] = sysPidfdOpen;
  h[438] = sysPidfdGetfd;
  h[435] = sysClone3;
  h[436] = sysCloseRange;
  h[437] = sysOpenat2;
  h[439] = sysFaccessat2;
  h[441] = sysEpollPwait2;
  h[452] = sysFchmodat2;
}

const NR_POLL: i32 = 7;
const NR_SELECT: i32 = 23;
const NR_PAUSE: i32 = 34;
const NR_NANOSLEEP: i32 = 35;
const NR_RT_SIGTIMEDWAIT: i32 = 128;
const NR_RT_SIGSUSPEND: i32 = 130;
const NR_CLOCK_NANOSLEEP: i32 = 230;
const NR_EPOLL_WAIT: i32 = 232;
const NR_PSELECT6: i32 = 270;
const NR_PPOLL: i32 = 271;
const NR_EPOLL_PWAIT: i32 = 281;
const NR_EPOLL_PWAIT2: i32 = 441;
const NR_SEMOP: i32 = 65;
const NR_MSGSND: i32 = 69;
const NR_MSGRCV: i32 = 70;
const NR_SEMTIMEDOP: i32 = 220;
/** Whether call `nr`, which ended with EINTR and had no time limit, starts again after a handler with SA_RESTART. */
export function isRestartableCall(nr: i32): boolean {
  switch (nr) {
    case NR_POLL:
    case NR_SELECT:
    case NR_PAUSE:
    case NR_NANOSLEEP:
    case NR_RT_SIGTIMEDWAIT:
    case NR_RT_SIGSUSPEND:
    case NR_CLOCK_NANOSLEEP:
    case NR_EPOLL_WAIT:
    case NR_PSELECT6:
    case NR_PPOLL:
    case NR_EPOLL_PWAIT:
    case NR_EPOLL_PWAIT2:
    case NR_SEMOP:
    case NR_SEMTIMEDOP:
    case NR_MSGSND:
    case NR_MSGRCV:
      return false;
    default:
      return true;
  }
}
