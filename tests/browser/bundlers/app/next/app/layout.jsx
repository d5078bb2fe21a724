import { earlyScript } from 'beamline-rum/early';
import { Measured } from './measured.jsx';

export default function Layout({ children }) {
  return (
    <html lang="en">
      <head>
        <script dangerouslySetInnerHTML={{ __html: earlyScript }} />
      </head>
      <body>
        <Measured>{children}</Measured>
      </body>
    </html>
  );
}
