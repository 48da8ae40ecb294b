using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Datapath.Faults;

/// <summary>The kernel, refusing one step, or the process, dying before it: then no later step reaches the kernel either.</summary>
/// <param name="at">Which step, from 1; 0 for none.</param>
/// <param name="errno">Why the kernel refuses.</param>
internal sealed class FaultySteps(int at, bool dies, int errno = FaultySteps.OutOfMemory) : IKernelSteps
{
    public const int OutOfMemory = 12;

    private readonly List<string> _names = [];
    private bool _dead;

    /// <summary>Steps taken, by name.</summary>
    public IReadOnlyList<string> Names => _names;

    public int Errno => errno;

    /// <summary>Steps taken, the failed one included.</summary>
    public int Count { get; private set; }

    /// <summary>What failed, for messages.</summary>
    public string? Failed { get; private set; }

    public int Try(string step, Func<int> call)
    {
        _names.Add(step);
        if (!_dead && ++Count != at)
        {
            return call();
        }

        Failed ??= step;
        _dead = dies;
        return dies ? throw new ProcessDiedException() : -errno;
    }
}

/// <summary>The process is no more; whoever catches it is a test.</summary>
internal sealed class ProcessDiedException : Exception;
