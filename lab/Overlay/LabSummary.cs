using OnCache.Lab.Topology;

namespace OnCache.Lab.Overlay;

/// <summary>One lab in a list.</summary>
/// <param name="State">up, stale (its owner has died) or incomplete.</param>
public sealed record LabSummary(string Name, string State, int Nodes, int Pods, int Processes)
{
    public static LabSummary Of(string name)
    {
        var running = new ProcessRegister(new LabNames(name)).Running().Count;
        if (LabState.Read(name) is not { } state)
        {
            return new LabSummary(name, "incomplete", 0, 0, running);
        }

        var word = state.Owner is { IsAlive: false } ? "stale" : state.Complete ? "up" : "incomplete";
        return new LabSummary(name, word, state.Plan.Nodes.Count, state.Plan.Nodes.Sum(node => node.Pods.Count), running);
    }

    public override string ToString() => $"{Name}: {State}, {Nodes} nodes, {Pods} pods, {Processes} processes";
}
