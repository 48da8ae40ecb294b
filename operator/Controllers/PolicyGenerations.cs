using OnCache.Kubernetes.Models;

namespace OnCache.Operator.Controllers;

/// <summary>
/// Since which generation a node's object has the policies it has. An agent that has reported that generation has them in force, even if a
/// signal has moved the object on since; without this each signal would look like a policy that is not in force yet.
/// </summary>
internal sealed class PolicyGenerations
{
    private readonly Dictionary<string, Held> _held = new(StringComparer.Ordinal);

    /// <summary>The first generation known to have these policies; the present one when they are new here.</summary>
    /// <param name="node">The node.</param>
    /// <param name="metadata">Its object's.</param>
    /// <param name="policies">The object's policies, as text.</param>
    public long Since(string node, V1ObjectMeta metadata, string policies)
    {
        if (_held.TryGetValue(node, out var held) && held.Uid == metadata.Uid && held.Policies == policies)
        {
            return held.Generation;
        }

        var generation = metadata.Generation ?? 0;
        _held[node] = new Held(metadata.Uid, policies, generation);
        return generation;
    }

    /// <summary>Forgets all other nodes.</summary>
    public void Keep(IEnumerable<string> nodes)
    {
        foreach (var node in _held.Keys.Except(nodes, StringComparer.Ordinal).ToArray())
        {
            _ = _held.Remove(node);
        }
    }

    private sealed record Held(string? Uid, string Policies, long Generation);
}
