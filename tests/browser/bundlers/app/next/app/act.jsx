'use client';

import { trackUserAction } from 'beamline-rum';

export const Act = () => <button onClick={() => trackUserAction('act', 'test', 1.5)}>Act</button>;
