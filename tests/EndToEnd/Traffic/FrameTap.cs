using OnCache.Agent.Net;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>A frame that a device received.</summary>
internal readonly record struct SeenFrame(string Device, byte[] Bytes);

/// <summary>Sees what the devices of one network namespace receive, before any program of tc does.</summary>
internal sealed class FrameTap(INetworkMember member) : IDisposable
{
    private readonly FrameReceiver receiver = new(member);

    /// <summary>All frames since the last call.</summary>
    public IReadOnlyList<SeenFrame> Take()
    {
        var names = member.Run(static () => NetworkSnapshotReader.Read().Links.ToDictionary(static link => link.Key, static link => link.Value.Name));
        var frames = new List<SeenFrame>();
        while (receiver.Take(TimeSpan.Zero) is var (device, frame))
        {
            frames.Add(new SeenFrame(names.GetValueOrDefault(device, "gone"), frame));
        }

        return frames;
    }

    public void Dispose() => receiver.Dispose();
}
