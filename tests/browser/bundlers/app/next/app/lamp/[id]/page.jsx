import Link from 'next/link';

export default function Lamp() {
  return (
    <>
      <i>Lamp</i>
      <Link href="/lamp/moon">Moon</Link>
    </>
  );
}
