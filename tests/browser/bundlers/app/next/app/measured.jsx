'use client';

import { BeamlineErrorBoundary, BeamlineProvider, routeOf, usePageView } from 'beamline-rum/react';
import { useParams, usePathname } from 'next/navigation';

const options = () => (typeof location === 'undefined' ? {} : Object.fromEntries(new URLSearchParams(location.search)));

export const Measured = ({ children }) => {
  usePageView(routeOf(usePathname(), useParams()));
  return (
    <BeamlineProvider options={options()}>
      <BeamlineErrorBoundary>{children}</BeamlineErrorBoundary>
    </BeamlineProvider>
  );
};
