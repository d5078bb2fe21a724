import { init, trackUserAction } from 'beamline-rum';
import { options } from './options.js';

init(options());
document.querySelector('#root').innerHTML = '<h1>Words</h1><button>Act</button>';
document.querySelector('button').onclick = () => trackUserAction('act', 'test', 1.5);
