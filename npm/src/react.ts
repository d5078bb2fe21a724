'use client';

import { init, trackError, trackPageView } from 'beamline-rum';
import { Component, type ErrorInfo, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { Attributes, Options } from './options.js';

/** Properties of {@link BeamlineProvider}. */
export interface BeamlineProviderProps {
  /** As for `init`. Those of the first rendering count. */
  options: Options;
  children?: ReactNode;
}

/**
 * Starts measuring when it is first rendered in a browser; on a server it only renders its children. Put it at the root of the
 * application, or call `init` before rendering.
 *
 * @example
 * ```tsx
 * import { BeamlineProvider } from 'beamline-rum/react';
 *
 * export const App = () => <BeamlineProvider options={{ key: 'your-site-key' }}>…</BeamlineProvider>;
 * ```
 */
export const BeamlineProvider = ({ options, children }: BeamlineProviderProps): ReactNode => {
  // Not in an effect: children render, and fail, before the effects of their parents.
  useState(() => init(options));
  return children;
};

/** What a fallback is rendered with. */
export interface Failure {
  /** What was thrown. */
  error: unknown;
  /** Renders the children again. */
  reset: () => void;
}

/** Properties of {@link BeamlineErrorBoundary}. */
export interface BeamlineErrorBoundaryProps {
  children?: ReactNode;
  /** What is shown instead of children that failed; nothing if absent. */
  fallback?: ReactNode | ((failure: Failure) => ReactNode);
  /** Own facts that go with the error; never put personal data here. */
  context?: Attributes;
  /** Called after the error was reported. */
  onError?: (error: unknown, info: ErrorInfo) => void;
}

/**
 * Reports what its children throw while they are rendered, with the names of the components from the one that failed outwards
 * (`component_stack`), and shows the fallback in their place.
 *
 * React gives such an error to nobody else, so that without a boundary like this one it is not seen. What event handlers and effects
 * throw later reaches the page and is reported anyway.
 */
export class BeamlineErrorBoundary extends Component<BeamlineErrorBoundaryProps, { failure?: { error: unknown } }> {
  override state: { failure?: { error: unknown } } = {};

  /** @internal */
  static getDerivedStateFromError(error: unknown): { failure: { error: unknown } } {
    return { failure: { error } };
  }

  /** @internal */
  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    const { context, onError } = this.props;
    trackError(error, { ...context, component_stack: componentsOf(info.componentStack ?? '') });
    onError?.(error, info);
  }

  /** @internal */
  override render(): ReactNode {
    const { failure } = this.state;
    const { children, fallback } = this.props;
    if (!failure) return children;
    return typeof fallback === 'function' ? fallback({ ...failure, reset: () => this.setState({ failure: undefined }) }) : fallback;
  }
}

/** The names in a component stack, whose lines are `at Name (address)` or `Name@address`. */
const componentsOf = (stack: string): string => Array.from(stack.matchAll(/^\s*(?:at )?([^\s@(]+)/gm), ([, name]) => name).join(' < ');

/**
 * Names the page that is shown, as `trackPageView` does, whenever the name or the address's path has changed when the component that uses
 * it is rendered. Without a name the page view keeps the one it has, which is its path.
 *
 * @example With the route's pattern in place of what changes in it, in Next.js; with React Router take `useLocation().pathname`:
 * ```tsx
 * import { usePathname, useParams } from 'next/navigation';
 * import { routeOf, usePageView } from 'beamline-rum/react';
 *
 * export const PageViews = () => {
 *   usePageView(routeOf(usePathname(), useParams()));
 *   return null;
 * };
 * ```
 */
export const usePageView = (name: string | undefined): void => {
  const told = useRef('');
  // It asks again after every rendering: the same component may show the next page of the same name.
  useCommit(() => {
    const view = `${name} ${location.pathname}`;
    if (!name || told.current === view) return;
    told.current = view;
    trackPageView(name);
  });
};

/** An ordinary effect may come after the user has clicked what was rendered with it, and so after the next address. */
const useCommit = typeof window === 'undefined' ? useEffect : useLayoutEffect;

/**
 * The pattern of a route: `/lamp/comet` with the parameter `id` of `comet` is `/lamp/:id`. So pages of one kind are counted as one.
 *
 * @param path - the path of the address, as the router says it
 * @param params - the parameters the router found in it, texts or arrays of texts by name; one may span several segments
 */
export const routeOf = (path: string, params: object | null): string => {
  const names = new Map<unknown, string>();
  for (const [name, value] of Object.entries(params ?? {})) {
    for (const part of [value].flat()) for (const segment of String(part ?? '').split('/')) names.set(segment, name);
  }
  const segments = path.split('/').map((segment) => {
    const name = segment && (names.get(segment) ?? names.get(decoded(segment)));
    return name ? `:${name}` : segment;
  });
  return segments.filter((segment, index) => !segment.startsWith(':') || segment !== segments[index - 1]).join('/');
};

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};
