/** The event log of scenario tests: the same scenario must write the same bytes on both targets. */
import type { long } from "./glue/js/types";
import { TextBuilder } from "./text";

export class EventLog {
  readonly text: TextBuilder = new TextBuilder(4096);

  line(s: string): void {
    this.text.str(s).byte(10);
  }

  /** `name=value` on a line of its own. */
  value(name: string, v: long): void {
    this.text.str(name).byte(61).num(v).byte(10);
  }
}
