import { onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals/attribution';
import { sendWhenHidden } from './send-when-hidden.mjs';

for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(sendWhenHidden);
