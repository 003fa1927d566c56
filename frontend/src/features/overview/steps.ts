export type Step = 'provider' | 'gateway' | 'profile' | 'rule' | 'device';
export type Done = Record<Step, boolean>;

/** In the order in which one needs the other: who, through what, what for, and then the first device. */
const order = [
  { key: 'provider', to: '/admin/providers' },
  { key: 'gateway', to: '/admin/gateways/new' },
  { key: 'profile', to: '/admin/profiles/new' },
  { key: 'rule', to: '/admin/access' },
  { key: 'device', to: '/devices/new' },
] as const satisfies { key: Step; to: string }[];

export const stepsOf = (done: Done) => order.map((step) => ({ ...step, done: done[step.key] }));
