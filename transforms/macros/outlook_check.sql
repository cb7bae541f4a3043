-- What the macro `open_outlook` accepts, and how it chooses the stays to compare with.
-- kind: published

-- The fewest stays that must have lasted longer than that of a process for its state to count.
create macro least_stays() as 20;

-- A number with all but its first four binary digits set to 0.
create macro four_digits_of(n) as n - n % (1 << greatest(length(bin(n)) - 4, 0));

-- True, or an error that says what was found and what is allowed.
create macro is_valid_outlook(asked, column_name, ahead_days, condition) as
    case
        when not is_valid_choice('open_outlook', asked, column_name, null, null)
            then false
        when coalesce(ahead_days < 1, true)
            then error(
                'open_outlook: found days ' || coalesce(cast(ahead_days as varchar), 'null')
                || '; allowed: a number from 1'
            )
        when coalesce(condition not in ('state', 'age'), true)
            then error(
                'open_outlook: found given ' || coalesce(cast(condition as varchar), 'null')
                || '; allowed: state, age'
            )
        else true
    end;
