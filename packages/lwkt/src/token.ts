/**
 * Tokens: locks that serialize threads only while they run.
 *
 * A thread that gives up the CPU, for whatever reason, loses all its tokens; the scheduler gets all of them back, or none, before it runs again. So
 * the order in which tokens are taken cannot deadlock, and a holder must expect that what a token protects has changed whenever it gave up the CPU.
 * Tokens are taken again by the same thread without limit but the number of references (32), given back in reverse order, and shared by readers.
 *
 * Key types `Token`, `TokenPool`; `token-stack.ts` has a thread's references. Neighbours: `thread.ts` (`getToken` and so on), `cpu.ts`.
 * Invariant: either one thread's references hold a token exclusively, or any number hold it shared.
 * Source: DragonFly sys/kern/lwkt_token.c, sys/sys/thread.h.
 */
import { clz, i32, imul, kassert, longHi, longLo, u32, type long } from "@anax/portable";
import type { TokenRef } from "./token-stack";

/** Bits of `Token#count`. */
export const TOK_EXCLUSIVE: i32 = 0x1;
/** Somebody wants it exclusively: threads with no other token get it shared only after that. */
export const TOK_EXCLREQ: i32 = 0x2;
/** One reference that shares, or that takes again what its thread holds exclusively. */
export const TOK_INCR: i32 = 0x4;

/** References that a thread may have at once. */
export const TOKENS_MAX: i32 = 32;
/** Attempts to get all tokens after which they are taken in the order of `Token#order` (lwkt_spin_loops). */
export const TOKEN_SPINS: i32 = 10;

/** A token. Part of the object that it protects, or of a pool. */
export class Token {
  /** TOK_* bits. For `TokenRef` alone. */
  count: i32 = 0;
  /** The reference that made it exclusive. */
  ref: TokenRef | null = null;
  /** Times that somebody could not have it, for statistics. */
  collisions: i32 = 0;

  /** `order` stands for the address of the original: any number, as different from token to token as possible. */
  constructor(
    readonly name: string,
    readonly order: i32,
  ) {}

  get isExclusive(): boolean {
    return (this.count & TOK_EXCLUSIVE) !== 0;
  }

  /** Whether any thread holds it. */
  get isHeld(): boolean {
    return (this.count & ~TOK_EXCLREQ) !== 0;
  }
}

/** Tokens for objects that have none of their own, found by a key: the object's number or address. Two objects may get the same one. */
export class TokenPool {
  private readonly tokens: Token[] = [];
  private readonly shift: i32;

  /** `size` is a power of two (the original's: 16384). Its tokens' orders begin at `firstOrder`. */
  constructor(size: i32, firstOrder: i32) {
    kassert(size > 0 && (size & (size - 1)) === 0, "token pool: size not a power of two");
    this.shift = (clz(u32(size)) + 1) | 0;
    for (let i = 0; i < size; i++) this.tokens.push(new Token("pool", (firstOrder + i) | 0));
  }

  /** The token for `key`. Take it exclusively: another key deeper in the call may share it. */
  lookup(key: long): Token {
    const mixed: u32 = u32(imul(longHi(key), 0x5bd1e995) ^ i32(longLo(key)));
    // Multiplicative hashing: the high bits of the product depend on all of the key.
    const h: u32 = u32(imul(i32(mixed), -1640531527));
    return this.tokens[this.shift > 31 ? 0 : u32(h >>> this.shift)];
  }
}
