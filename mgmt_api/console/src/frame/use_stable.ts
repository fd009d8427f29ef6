// Functions that stay the same while what they do changes: what is given them need not be drawn anew.

import { useEffect, useState } from "react";

type Acts<T> = Record<keyof T, (...told: never[]) => void>;

class Stable<T extends Acts<T>> {
  readonly acts: T;

  constructor(private newest: T) {
    const names = Object.keys(newest) as (keyof T)[];
    const call = (name: keyof T) => [name, (...told: never[]) => this.newest[name](...told)];
    this.acts = Object.fromEntries(names.map(call)) as T;
  }

  renew(newest: T): void {
    this.newest = newest;
  }
}

/** The same functions at each drawing, which do what the newest ones do. */
export function useStable<T extends Acts<T>>(newest: T): T {
  const [stable] = useState(() => new Stable(newest));
  useEffect(() => stable.renew(newest));
  return stable.acts;
}
