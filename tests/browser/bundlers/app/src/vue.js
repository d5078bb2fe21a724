import { trackUserAction } from 'beamline-rum';
import { createBeamline } from 'beamline-rum/vue';
import { createApp, h, ref } from 'vue';
import { createRouter, createWebHistory, RouterLink, RouterView } from 'vue-router';
import { options } from './options.js';

const Home = {
  render: () => [
    h('h1', 'Words'),
    h('button', { onClick: () => trackUserAction('act', 'test', 1.5) }, 'Act'),
    h(RouterLink, { to: '/lamp/comet' }, () => 'Comet'),
  ],
};

const Lamp = {
  name: 'Lamp',
  setup() {
    const isBroken = ref(false);
    return () => {
      if (isBroken.value) throw new RangeError('broken while rendered');
      return [h('i', { onClick: () => (isBroken.value = true) }, 'Break'), h(RouterLink, { to: '/lamp/moon' }, () => 'Moon')];
    };
  },
};

const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', component: Home },
    { path: '/lamp/:id', component: Lamp },
  ],
});
const app = createApp({ render: () => h(RouterView) });
window.handled = [];
app.config.errorHandler = (error) => window.handled.push(error.message);
app.use(createBeamline({ ...options(), router })).use(router).mount('#root');
