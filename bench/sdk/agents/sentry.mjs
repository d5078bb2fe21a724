import { init } from '@sentry/browser';

init({ dsn: 'http://0123456789abcdef0123456789abcdef@collector.localhost/1' });
