# The refresh of one environment's database: started, or gone on with where it failed. Sourced
# by run-dev-db-refresh.sh and run-prod-db-refresh.sh, which set `environment` and `config`.
#
#   --skip-steps=LIST  do not do these steps again: 1,2,3 or 1-3 or names. The newest refresh
#                      goes on if it failed; else a new one begins with that one's outputs
#   --dry-run          only show what would be done, and what it saves
#   --yes              do not ask
#
# Each environment has a profile (AWS_PROFILE, for its jobs) and a configuration of its own.
# PAWL_DATA and PAWL_DEMO_DIR say where its store and its files lie; with PAWL_ENDPOINT a
# server does the work.

here=$(dirname "$0")
pawl=${PAWL_BIN:-pawl}
machine=omc-flywheel-$environment-db-refresh
profile=flywheel-$environment
config=$here/$config
input=$here/execution-input.json
skip='' dry='' yes=''

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 2
}

usage() {
    sed -n '/^#   --/,/^#$/s/^#//p' "$here/refresh.sh"
}

# take_options ARGUMENT...
take_options() {
    while [ $# -gt 0 ]; do
        case $1 in
        --skip-steps=*) skip=${1#*=} ;;
        --skip-steps)
            [ $# -gt 1 ] || die "--skip-steps needs the steps: --skip-steps=1,2,3"
            shift
            skip=$1
            ;;
        --dry-run) dry=--dry-run ;;
        --yes | -y) yes=yes ;;
        --help | -h)
            usage
            exit 0
            ;;
        # What is left of an unquoted list: --skip-steps 1, 2, 3
        [0-9]*)
            [ -n "$skip" ] || die "there is no option $1; --help lists them"
            skip="$skip $1"
            ;;
        *) die "there is no option $1; --help lists them" ;;
        esac
        shift
    done
}

# Nobody refreshes one environment with the rights of another.
take_profile() {
    [ "${AWS_PROFILE:-$profile}" = "$profile" ] ||
        die "AWS_PROFILE is $AWS_PROFILE, and the $environment refresh has $profile: unset it"
    export AWS_PROFILE="$profile"
}

take_places() {
    PAWL_DEMO_DIR=${PAWL_DEMO_DIR:-${TMPDIR:-/tmp}/pawl-db-refresh-$environment}
    PAWL_DATA=${PAWL_DATA:-$PAWL_DEMO_DIR/store}
    export PAWL_DEMO_DIR PAWL_DATA
    mkdir -p "$PAWL_DEMO_DIR"
    # One definition for all environments: only the names differ.
    definition=$PAWL_DEMO_DIR/$machine.asl.json
    sed "s/omc-flywheel-dev-/omc-flywheel-$environment-/" \
        "$here/omc-flywheel-dev-db-refresh.asl.json" > "$definition"
}

# Sets `id` and `status` of the newest execution; both empty when there is none.
find_newest() {
    id='' status=''
    [ -n "${PAWL_ENDPOINT:-}" ] || [ -e "$PAWL_DATA" ] || return 0
    newest=$("$pawl" ls --machine "$machine" --limit 1 --json 2>"$PAWL_DEMO_DIR/ls.log") || {
        # 4: the store has no such machine yet.
        [ $? = 4 ] && return 0
        cat "$PAWL_DEMO_DIR/ls.log" >&2
        exit 1
    }
    id=$(printf '%s' "$newest" | "$pawl" eval '$[0].id' --input - | tr -d '"')
    status=$(printf '%s' "$newest" | "$pawl" eval '$[0].status' --input - | tr -d '"')
}

# What is to be done, as words for a person (`what`) and as a command.
choose() {
    find_newest
    case $skip:$status in
    :*) what="start a new one" ;;
    *:RUNNING) die "the refresh $id still runs; wait for it (pawl wait $id) or end it (pawl stop $id)" ;;
    *:FAILED | *:TIMED_OUT | *:ABORTED) what="go on with $id, which is $status, without steps $skip" ;;
    *:SUCCEEDED) what="start a new one with the outputs of $id, without steps $skip" ;;
    *) what="start a new one, without steps $skip" ;;
    esac
}

ask() {
    cat >&2 << END
The $environment database refresh
  machine  $machine
  profile  $profile
  config   $config
  to do    $what
END
    [ -z "$yes$dry" ] || return 0
    printf 'Go on? [y/N] ' >&2
    read -r answer || answer=''
    case $answer in
    y | Y | yes) ;;
    *)
        echo "Nothing was done." >&2
        exit 1
        ;;
    esac
}

# shellcheck disable=SC2086 # $dry is an option or nothing
carry_out() {
    case $skip:$status in
    :*) set -- run "$definition" --input "@$input" ;;
    *:FAILED | *:TIMED_OUT | *:ABORTED) set -- resume "$id" "--skip-steps=$skip" ;;
    *:SUCCEEDED) set -- run "$definition" --input "@$input" --reuse "$id" "--skip-steps=$skip" ;;
    *) set -- run "$definition" --input "@$input" "--skip-steps=$skip" ;;
    esac
    # A server has a configuration of its own.
    [ -n "${PAWL_ENDPOINT:-}" ] || set -- "$@" --config "$config"
    exec "$pawl" "$@" $dry
}

take_options "$@"
take_profile
take_places
choose
ask
carry_out
