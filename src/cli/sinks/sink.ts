import type { EventSink } from '#control/events.ts';

/** A renderer of a run: takes its events, and says when everything taken has been written. */
export interface Renderer {
  readonly emit: EventSink;
  finish(): Promise<void>;
}

/** Where a renderer writes; a subset of a Node stream. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}
