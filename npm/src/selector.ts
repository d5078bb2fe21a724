/** Longest selector, UTF-16 code units; the first part is always there. */
const LONGEST_SELECTOR = 100;
/** Longest accessible name, UTF-16 code units. */
const LONGEST_LABEL = 80;
/** How far up the element that was meant may be, such as the button around an icon. */
const HIGHEST_CONTROL = 5;

/**
 * Inside a form, inputs hide the form's properties behind their names: everything is read by the accessors of the prototypes, which
 * nothing hides (https://webidl.spec.whatwg.org/#LegacyOverrideBuiltIns).
 */
const read = (node: unknown, property: string): any => Reflect.get(Node.prototype, property, node);
const attribute = (element: any, name: string): string | null => Element.prototype.getAttribute.call(element, name);

/** A CSS-like path to a node, without any content of the page: `main>div.card.wide>button`. It ends at an id, or when it gets long. */
export const selector = (node: unknown): string => {
  let path = '';
  for (let next = node, id; next && !id; next = read(next, 'parentNode')) {
    const name: string = read(next, 'nodeName');
    if (name === '#document') break;
    const isElement = name[0] !== '#';
    id = isElement && attribute(next, 'id');
    const classes = isElement && attribute(next, 'class')?.split(/[\t\n\f\r ]+/).filter(Boolean);
    const part = id ? '#' + id : isElement ? [name.toLowerCase(), ...new Set((classes || []).sort())].join('.') : name.slice(1).toUpperCase();
    if (path.length + part.length >= LONGEST_SELECTOR) return path || part;
    path = path ? part + '>' + path : part;
  }
  return path;
};

/**
 * The accessible name of what was clicked, or of the control around it. It comes from the author's words only: `data-beamline-name`, `aria-label`,
 * `title`, `alt`, the text of a button or link, or the label of an input. What the user wrote or chose is never read.
 */
export const label = (node: unknown): string | undefined => {
  let next: any = node;
  for (let height = 0; next && height < HIGHEST_CONTROL; height++, next = read(next, 'parentNode')) {
    const tag: string = read(next, 'nodeName').toLowerCase();
    if (tag[0] === '#') return undefined;
    for (const name of ['data-beamline-name', 'aria-label', 'title', 'alt']) {
      const found = shortened(attribute(next, name));
      if (found) return found;
    }
    if (/^(input|textarea|select|option)$/.test(tag)) {
      const [own] = next.labels ?? [];
      return own && !own.querySelector('select,textarea,[contenteditable]') ? shortened(own.textContent) : undefined;
    }
    if (attribute(next, 'contenteditable') !== null) return undefined;
    if (isControl(next, tag)) return next.closest('[contenteditable]') ? undefined : shortened(read(next, 'textContent'));
  }
  return undefined;
};

/** Whether it does something when it is clicked, and its text was written by the page's author. */
const isControl = (element: unknown, tag: string): boolean =>
  /^(button|a|summary)$/.test(tag) || /^(button|link|tab|menuitem)$/.test(attribute(element, 'role') ?? '');

/** The control around a node, if it is in one. */
export const controlOf = (node: unknown): unknown => {
  let next: any = node;
  for (let height = 0; next && height < HIGHEST_CONTROL; height++, next = read(next, 'parentNode')) {
    if (read(next, 'nodeType') === 1 && isControl(next, read(next, 'nodeName').toLowerCase())) return next;
  }
  return undefined;
};

const shortened = (text: string | null): string | undefined =>
  (text ?? '').slice(0, 4096).trim().replace(/\s+/g, ' ').slice(0, LONGEST_LABEL) || undefined;
