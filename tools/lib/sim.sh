# shellcheck shell=bash
# Shared by tools/sim and tools/replay: one release build for both. Sourced after common.sh.

SIM_BUILD=${SIM_BUILD:-build/sim}

# sim_build PROGRAM: installs what is missing and builds build/sim/bin/PROGRAM.
sim_build()
{
    mkdir -p build/logs
    packages_prepare build run test
    ((${#PACKAGES_MISSING[@]} == 0)) || step packages build/logs/install.log packages_install
    if [[ ! -f $SIM_BUILD/build.ninja ]]; then
        cmake -G Ninja -S . -B "$SIM_BUILD" -DCMAKE_BUILD_TYPE=Release >build/logs/sim.log
    fi
    if ! ninja -C "$SIM_BUILD" "bin/$1" >build/logs/sim.log 2>&1; then
        tail -n 20 build/logs/sim.log >&2
        die "$1 does not build; the whole log is in build/logs/sim.log."
    fi
}
