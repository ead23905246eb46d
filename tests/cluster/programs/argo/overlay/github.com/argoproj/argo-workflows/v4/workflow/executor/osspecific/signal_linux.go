// The published module lacks this file, which its package needs on Linux.

package osspecific

import (
	"os"
	"syscall"
	"time"

	"github.com/argoproj/argo-workflows/v4/util/errors"
)

// Term asks a process to end.
var Term = syscall.SIGTERM

// CanIgnoreSignal says of which signals a container's command need not hear: those that the
// Go runtime and the kernel send the executor itself.
func CanIgnoreSignal(s os.Signal) bool {
	return s == syscall.SIGCHLD || s == syscall.SIGURG
}

// Setpgid makes the command lead a process group, which Kill then reaches whole.
func Setpgid(attributes *syscall.SysProcAttr) {
	attributes.Setpgid = true
}

// Kill signals the group that the process leads, or the process alone where it leads none.
func Kill(pid int, signal syscall.Signal) error {
	if group, err := syscall.Getpgid(pid); err == nil && group == pid {
		return syscall.Kill(-pid, signal)
	}
	return syscall.Kill(pid, signal)
}

// Wait reaps every child until the given process has ended. Its exit code is the error's; a
// process ended by a signal has 128 and the signal's number, as in a shell.
func Wait(process *os.Process) error {
	pid := process.Pid
	// What is released is nobody's to wait for, and wait4 below gets its status.
	if err := process.Release(); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		reaped, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case reaped == pid && status.Exited():
			return errors.NewExitErr(status.ExitStatus())
		case reaped == pid && status.Signaled():
			return errors.NewExitErr(128 + int(status.Signal()))
		case reaped == 0:
			time.Sleep(100 * time.Millisecond)
		}
	}
}
