import { trackUserAction } from 'beamline-rum';
import { BeamlineErrorBoundary, BeamlineProvider, routeOf, usePageView } from 'beamline-rum/react';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter, Link, Route, Routes, useLocation, useParams } from 'react-router';
import { options } from './options.js';

const Home = () => {
  usePageView('home');
  return (
    <>
      <h1>Words</h1>
      <button onClick={() => trackUserAction('act', 'test', 1.5)}>Act</button>
      <Link to="/lamp/comet">Comet</Link>
    </>
  );
};

const Lamp = () => {
  usePageView(routeOf(useLocation().pathname, useParams()));
  const [isBroken, breakDown] = useState(false);
  return (
    <BeamlineErrorBoundary context={{ part: 'lamp' }} fallback={({ error, reset }) => <p onClick={reset}>{error.message}</p>}>
      <i onClick={() => breakDown(true)}>Break</i>
      {isBroken && <Broken />}
      <Link to="/lamp/moon">Moon</Link>
    </BeamlineErrorBoundary>
  );
};

const Broken = () => {
  throw new RangeError('broken while rendered');
};

createRoot(document.querySelector('#root')).render(
  <StrictMode>
    <BeamlineProvider options={options()}>
      <BrowserRouter>
        <Routes>
          <Route path="/" element={<Home />} />
          <Route path="/lamp/:id" element={<Lamp />} />
        </Routes>
      </BrowserRouter>
    </BeamlineProvider>
  </StrictMode>,
);
