#!/bin/sh
# A quarter's plan at night, told by mail, with an exit code that says whether someone must look.
#
# From cron, at two in the morning on the 20th of the month after each quarter:
#
#   MAILTO=me@example.org
#   PATH=/usr/local/bin:/usr/bin:/bin
#   0 2 20 1,4,7,10 *  quarter.sh
#
# cron mails what is printed here. Secrets: secrets.toml beside the settings (mode 0600), since there is nobody to ask. To be told of
# every run, those of submit and verify too, set in the profile of config.toml:
#
#   notify = ["mail", "-s", "onse", "me@example.org"]
#
# Exit codes: 0 nothing to do; 3 changes wait for approval, or some facilities could not be read; any other went wrong, and no review
# was made. Nothing is sent to CommCare from here. Whoever must look runs: onse review
#
# Arguments are those of onse plan, such as: quarter.sh --period 2026Q2
set -eu

for argument; do
    case $argument in
    --json | --curl | --curl=*)
        echo "quarter.sh takes no $argument: it reads the lines of onse plan" >&2
        exit 2
        ;;
    esac
done

code=0
plan=$(onse plan "$@") || code=$?
case $code in
0 | 3) ;;
*)
    echo "onse plan ended with exit $code; what went wrong stands above"
    exit "$code"
    ;;
esac

file=$(printf '%s\n' "$plan" | sed -n 's/^file *//p')
onse status "$file" || true
exit "$code"
