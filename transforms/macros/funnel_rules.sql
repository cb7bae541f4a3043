-- The rules of funnels that the funnel tables (history/funnel_*.sql) and the macro `funnel` share.
-- A new mode has a file history/funnel_<mode>.sql with its rows. It is added to `funnel_modes`
-- here, to history/funnel_paths.sql and funnel.sql, to the descriptions in
-- schemas/catalogue/funnels.py and shared.py, to notebooks/parts/funnels.py and, on its own, to
-- tests/reference/funnels.py.
-- kind: both

create macro funnel_modes() as ['ordered', 'strict', 'any_order', 'reached'];

-- The name of step `k` in mode `any_order`, which counts steps instead of naming them.
create macro any_order_step(k, n_steps) as concat(k, ' of ', n_steps, ' steps');

-- Whether a visit is a move. A restore in the same state is not: the process came from nowhere.
create macro is_move(direction) as direction is distinct from 'same';

-- Whether an instant is within a window that begins at `entered`; its end is included. A null
-- window has no end.
create macro is_in_window(instant, entered, window_ms) as
    coalesce(epoch_ms(instant) - epoch_ms(entered) <= window_ms, true);

-- Whether a window is over as at an instant: from its end on nothing more can happen within it
-- that is not known yet.
create macro is_window_over(as_of, entered, window_ms) as
    coalesce(epoch_ms(as_of) - epoch_ms(entered) >= window_ms, false);

-- The end of a window, from which on it is over; null without one.
create macro window_end(entered, window_ms) as
    entered + to_milliseconds(ceil(window_ms)::bigint);

-- A share of processes; null when there are none to share.
create macro share_of(processes, all_processes) as processes / nullif(all_processes, 0);

-- The order of moves and outcomes within a process: by the number of the version that shows them,
-- and of one version the move before the outcome.
create macro place_of_move(version_no) as version_no * 2;

create macro place_of_outcome(version_no) as version_no * 2 + 1;

create macro version_of(place) as place // 2;

-- Whether a step reached at `reached` is within the window of its funnel (from `entered`), and
-- within its own window and not before its gap (both from `previous`). A null limit does not count.
create macro is_in_time(reached, entered, previous, window_ms, step_within_ms, step_gap_ms) as
    is_in_window(reached, entered, window_ms)
    and is_in_window(reached, previous, step_within_ms)
    and coalesce(epoch_ms(reached) - epoch_ms(previous) >= step_gap_ms, true);
