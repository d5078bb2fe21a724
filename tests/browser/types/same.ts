/** `both ways` when each may stand for the other and they have the same properties. */
export type Same<A, B> = Assignable<A, B> extends 'both ways' ? Assignable<keyof A, keyof B> : Assignable<A, B>;

type Assignable<A, B> = [A] extends [B] ? ([B] extends [A] ? 'both ways' : 'only the first to the second') : 'not the first to the second';
