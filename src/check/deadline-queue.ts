/**
 * Deadlines of many things by number: a binary heap that knows where each stands, so that one can be moved or taken out.
 * Every operation is O(log n).
 */
export class DeadlineQueue {
  readonly #ids: number[] = [];
  readonly #deadlines = new Map<number, number>();
  readonly #places = new Map<number, number>();

  get size(): number {
    return this.#ids.length;
  }

  /** When the first is due, in ms; Infinity if there is none. */
  get nextMs(): number {
    const [first] = this.#ids;
    return first === undefined ? Infinity : this.#deadline(first);
  }

  /** Sets or replaces the deadline of `id`; Infinity takes it out. */
  set(id: number, atMs: number): void {
    if (atMs === Infinity) {
      this.delete(id);
      return;
    }
    this.#deadlines.set(id, atMs);
    const place = this.#places.get(id) ?? this.#ids.push(id) - 1;
    this.#settle(id, place);
  }

  delete(id: number): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#places.delete(id);
    this.#deadlines.delete(id);
    const last = this.#ids.pop();
    if (last !== undefined && last !== id) this.#settle(last, place);
  }

  /** Takes the first out if it is due. */
  takeDue(nowMs: number): number | undefined {
    const [first] = this.#ids;
    if (first === undefined || this.#deadline(first) > nowMs) return undefined;
    this.delete(first);
    return first;
  }

  /** Puts `id`, which stands at `place`, where it belongs. */
  #settle(id: number, place: number): void {
    const atMs = this.#deadline(id);
    let at = place;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#ids[parent];
      if (above === undefined || this.#deadline(above) <= atMs) break;
      this.#put(above, at);
      at = parent;
    }
    for (;;) {
      const child = this.#earlierChild(at);
      const below = this.#ids[child];
      if (below === undefined || below === id || this.#deadline(below) >= atMs) break;
      this.#put(below, at);
      at = child;
    }
    this.#put(id, at);
  }

  #earlierChild(at: number): number {
    const left = this.#ids[2 * at + 1];
    const right = this.#ids[2 * at + 2];
    const isRight = left !== undefined && right !== undefined && this.#deadline(right) < this.#deadline(left);
    return isRight ? 2 * at + 2 : 2 * at + 1;
  }

  #put(id: number, place: number): void {
    this.#ids[place] = id;
    this.#places.set(id, place);
  }

  #deadline(id: number): number {
    return this.#deadlines.get(id) ?? Infinity;
  }
}
