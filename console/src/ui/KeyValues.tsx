import { Fragment, type ReactNode } from "react";

import classes from "./KeyValues.module.css";

/** Names and values, side by side where there is room. */
export function KeyValues({ pairs }: { pairs: (readonly [string, ReactNode] | false | null)[] }) {
  return (
    <dl className={classes.list}>
      {pairs.map(
        (pair) =>
          pair && (
            <Fragment key={pair[0]}>
              <dt>{pair[0]}</dt>
              <dd>{pair[1]}</dd>
            </Fragment>
          ),
      )}
    </dl>
  );
}
