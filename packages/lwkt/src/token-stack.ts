/**
 * The tokens of one thread: its references in the order in which they were taken.
 *
 * Key types `TokenStack`, `TokenRef`. Neighbours: `token.ts`, `thread.ts`. Owned by the thread, made with its first token.
 *
 * A handler that cannot have a token returns and is run again from its start when the scheduler has got that token and all before it. In that
 * second run its `get` calls are answered by the references of the first, in order; at the first one that asks for something else, the rest is given back.
 *
 * Invariant: all references hold their tokens (`held`), or none does. A turn begins with `held` set.
 * Source: DragonFly sys/kern/lwkt_token.c (lwkt_gettoken, lwkt_getalltokens).
 */
import { EASYNC, kassert, type i32 } from "@anax/portable";
import type { Thread } from "./thread";
import { TDW_STALLED, TDW_TOKENS } from "./thread-state";
import { TOKENS_MAX, TOKEN_SPINS, TOK_EXCLREQ, TOK_EXCLUSIVE, TOK_INCR, type Token } from "./token";

/** One time that a thread took a token. Pooled by the stack. */
export class TokenRef {
  token: Token | null = null;
  exclusive: boolean = false;

  constructor(readonly owner: Thread) {}

  /**
   * Takes the token if it can be had. `blocking`: the thread will wait if not, so an exclusive wish is noted, and a shared one comes after the
   * exclusive wishes of others, unless the thread has more tokens (it could then keep from others what those wait for).
   */
  take(blocking: boolean, only: boolean): boolean {
    const token = this.token!;
    const count = token.count;
    if ((count & TOK_EXCLUSIVE) !== 0) {
      const ref = token.ref;
      if (ref === null || ref.owner !== this.owner) {
        if (this.exclusive && blocking) token.count |= TOK_EXCLREQ;
        return false;
      }
      // Ours already: counted as one that shares, so that it is the first that gives it back.
      token.count = (count + TOK_INCR) | 0;
      return true;
    }
    if (this.exclusive) {
      if ((count & ~TOK_EXCLREQ) !== 0) {
        if (blocking) token.count |= TOK_EXCLREQ;
        return false;
      }
      token.count = TOK_EXCLUSIVE;
      token.ref = this;
      return true;
    }
    if (blocking && only && (count & TOK_EXCLREQ) !== 0) return false;
    token.count = (count + TOK_INCR) | 0;
    return true;
  }

  /** Gives the token back; only what `take` took. */
  give(): void {
    const token = this.token!;
    if (token.ref === this) {
      token.ref = null;
      token.count &= ~TOK_EXCLUSIVE;
    } else {
      kassert(token.count >= TOK_INCR, "token: given back too often");
      token.count = (token.count - TOK_INCR) | 0;
    }
  }
}

/** The references of one thread. For Thread, Cpu and tests; programs use the methods of `Thread`. */
export class TokenStack {
  private readonly refs: TokenRef[] = [];
  /** The references by `Token#order`, for `takeAll`. */
  private readonly sorted: TokenRef[] = [];
  /** References. */
  private count: i32 = 0;
  /** All of them hold their tokens. */
  private held: boolean = true;
  /** References that this run of the handler has, or has been given again. */
  private claimed: i32 = 0;
  /** References that the handler had when it was given its message. */
  private base: i32 = 0;
  /** Failed attempts to get all of them, in a row. */
  private contended: i32 = 0;

  constructor(private readonly thread: Thread) {}

  /** A token by a blocking call. 0, or EASYNC: the handler has to return. Panics for the 33rd, and for exclusive on top of shared. */
  get(token: Token, exclusive: boolean): i32 {
    if (this.claimed < this.count) {
      const ref = this.refs[this.claimed];
      if (ref.token === token && ref.exclusive === exclusive) {
        this.claimed++;
        return 0;
      }
      this.giveFrom(this.claimed);
    }
    const ref = this.append(token, exclusive);
    if (ref.take(true, this.count === 1)) {
      this.claimed = this.count;
      return 0;
    }
    token.collisions++;
    this.thread.work |= TDW_STALLED;
    // The new one is not held: give back the others, so that all are alike.
    for (let i = (this.count - 2) | 0; i >= 0; i--) this.refs[i].give();
    this.held = false;
    return EASYNC;
  }

  /** A token if it can be had now, exclusively. */
  try(token: Token): boolean {
    if (this.claimed < this.count) {
      const claimed = this.refs[this.claimed];
      if (claimed.token === token && claimed.exclusive) {
        this.claimed++;
        return true;
      }
      this.giveFrom(this.claimed);
    }
    const ref = this.append(token, true);
    if (ref.take(false, false)) {
      this.claimed = this.count;
      return true;
    }
    token.collisions++;
    ref.token = null;
    this.count--;
    this.mark();
    return false;
  }

  /** Gives the last one back. */
  release(token: Token): void {
    if (this.claimed < this.count) this.giveFrom(this.claimed);
    kassert(this.count > 0 && this.refs[this.count - 1].token === token, "relToken: not the token that was taken last");
    this.giveFrom((this.count - 1) | 0);
    this.claimed = this.count;
    if (this.base > this.count) this.base = this.count;
  }

  /** Exchanges the two that were taken last, so that the one below can be given back first. Source: lwkt_token_swap. */
  swap(): void {
    kassert(this.count >= 2 && this.claimed === this.count, "token swap: fewer than two tokens");
    const i: i32 = (this.count - 1) | 0;
    const top = this.refs[i];
    const below = this.refs[i - 1];
    // The same token twice: the deeper reference is the one that holds it.
    if (top.token === below.token) return;
    this.refs[i] = below;
    this.refs[i - 1] = top;
  }

  /** References to `token`, held or not. */
  countOf(token: Token): i32 {
    let n: i32 = 0;
    for (let i = 0; i < this.count; i++) if (this.refs[i].token === token) n++;
    return n;
  }

  get size(): i32 {
    return this.count;
  }

  /** All or none. For Cpu, before a turn. */
  takeAll(): boolean {
    if (this.held) return true;
    const order = this.contended > TOKEN_SPINS ? this.sort() : this.refs;
    for (let i = 0; i < this.count; i++) {
      const ref = order[i];
      if (ref.take(true, this.count === 1)) continue;
      ref.token!.collisions++;
      for (let k = (i - 1) | 0; k >= 0; k--) order[k].give();
      this.contended++;
      return false;
    }
    this.contended = 0;
    this.held = true;
    return true;
  }

  /** The thread gives up the CPU. */
  dropAll(): void {
    if (!this.held || this.count === 0) return;
    for (let i = (this.count - 1) | 0; i >= 0; i--) this.refs[i].give();
    this.held = false;
  }

  /** A turn begins, with all tokens. `rerun`: the handler starts over with its message. */
  beginTurn(rerun: boolean): void {
    if (rerun) this.claimed = this.base;
    else {
      this.claimed = this.count;
      this.base = this.count;
    }
  }

  /** A turn has ended: what a second run did not ask for again is given back. */
  endTurn(): void {
    if ((this.thread.work & TDW_STALLED) === 0 && this.claimed < this.count) this.giveFrom(this.claimed);
  }

  private append(token: Token, exclusive: boolean): TokenRef {
    kassert(this.count < TOKENS_MAX, "token: a thread can have 32");
    if (exclusive) this.checkUpgrade(token);
    if (this.refs.length === this.count) {
      this.refs.push(new TokenRef(this.thread));
      this.sorted.push(this.refs[this.count]);
    }
    const ref = this.refs[this.count];
    ref.token = token;
    ref.exclusive = exclusive;
    this.count++;
    this.mark();
    return ref;
  }

  /** Exclusive on top of shared would wait for itself. */
  private checkUpgrade(token: Token): void {
    let found = false;
    for (let i = 0; i < this.count; i++) {
      if (this.refs[i].token !== token) continue;
      if (this.refs[i].exclusive) return;
      found = true;
    }
    kassert(!found, "getToken: exclusive, but the thread holds it shared");
  }

  /** Gives back and forgets the references from index `from` on. */
  private giveFrom(from: i32): void {
    for (let i = (this.count - 1) | 0; i >= from; i--) {
      this.refs[i].give();
      this.refs[i].token = null;
    }
    this.count = from;
    this.mark();
  }

  private mark(): void {
    if (this.count !== 0) this.thread.work |= TDW_TOKENS;
    else this.thread.work &= ~TDW_TOKENS;
  }

  /** By `order`; a token that is there twice keeps the order in which it was taken, as the first reference is the one that holds it. */
  private sort(): TokenRef[] {
    const s = this.sorted;
    for (let i = 0; i < this.count; i++) {
      const ref = this.refs[i];
      let k = i;
      while (k > 0 && s[k - 1].token!.order > ref.token!.order) {
        s[k] = s[k - 1];
        k--;
      }
      s[k] = ref;
    }
    return s;
  }
}
