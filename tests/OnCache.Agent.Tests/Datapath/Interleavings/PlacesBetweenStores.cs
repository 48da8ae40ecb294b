using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Datapath.Interleavings;

/// <summary>Lets a test in between any two stores of the agent, and before each call into the kernel: wherever programs may run.</summary>
internal sealed class PlacesBetweenStores : IKernelSteps
{
    private Action<string>? _visit;

    public int Try(string step, Func<int> call)
    {
        Visit(step);
        return call();
    }

    public void BetweenStores() => Visit("");

    /// <summary>Carries out a change of the agent's; <paramref name="visit"/> gets the step that comes next, or nothing where it is a store.</summary>
    public void During(Action change, Action<string> visit)
    {
        _visit = visit;
        try
        {
            change();
        }
        finally
        {
            _visit = null;
        }
    }

    private void Visit(string step)
    {
        if (_visit is { } visit)
        {
            // What the visitor does is none of the agent's doing.
            _visit = null;
            visit(step);
            _visit = visit;
        }
    }
}
