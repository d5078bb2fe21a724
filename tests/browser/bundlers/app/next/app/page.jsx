import Link from 'next/link';
import { Act } from './act.jsx';

// Rendered for every request, so that the server runs what the client does.
export const dynamic = 'force-dynamic';

export default function Home() {
  return (
    <>
      <h1>Words</h1>
      <Act />
      <Link href="/lamp/comet">Comet</Link>
    </>
  );
}
