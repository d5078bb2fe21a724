import { testEngine } from './oracle/run.mjs';

testEngine('chromium');
