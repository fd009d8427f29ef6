import { useEffect, useState } from "react";

/** False once the page has been hidden for `after_ms`: pictures nobody sees cost the recorder and the network. */
export function usePageVisible(after_ms: number): boolean {
  const [visible, setVisible] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const change = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setVisible(false), after_ms);
      else setVisible(true);
    };
    document.addEventListener("visibilitychange", change);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", change);
    };
  }, [after_ms]);
  return visible;
}
