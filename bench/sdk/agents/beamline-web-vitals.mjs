import { onCLS, onFCP, onINP, onLCP, onTTFB } from 'beamline-rum/web-vitals';
import { sendWhenHidden } from './send-when-hidden.mjs';

for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(sendWhenHidden);
