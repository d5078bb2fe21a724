/** The live things behind the places by which the core knows them: as many as it may still speak of. */
export class Places<T> {
  private readonly known = new Map<number, T>();
  private next = 0;
  private most = 100;

  /** Takes things in the order in which the core is told of them. */
  add(things: T[]): void {
    for (const thing of things) this.known.set(this.next++, thing);
  }

  at(places: number[]): T[] {
    return places.map((place) => this.known.get(place)!);
  }

  /** Forgets what the core has forgotten, once there is much of it. */
  keep(kept: () => number[]): void {
    if (this.known.size < this.most) return;
    const places = new Set(kept());
    for (const place of this.known.keys()) if (!places.has(place)) this.known.delete(place);
    this.most = 100 + 2 * this.known.size;
  }
}
