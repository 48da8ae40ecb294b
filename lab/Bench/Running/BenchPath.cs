using System.Net;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Overlay;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Running;

/// <summary>A variant in its lab: who talks to whom.</summary>
internal sealed record BenchPath(Variant Variant, BenchLab Lab, LabMember Client, LabMember Server, IPAddress Address, TrafficServerProcess Traffic)
    : IAsyncDisposable
{
    public static async Task<BenchPath> StartAsync(Variant variant, BenchLab lab, CancellationToken cancellationToken)
    {
        var (near, far) = (lab.Overlay.Nodes[0], lab.Overlay.Nodes[1]);
        return variant.BetweenHosts
            ? new BenchPath(variant, lab, near, far, far.Address, await TrafficServerProcess.StartAsync(far, far.Address, cancellationToken))
            : new BenchPath(variant, lab, near.Pods[0], far.Pods[0], far.Pods[0].Address, await TrafficServerProcess.StartAsync(far.Pods[0], far.Pods[0].Address, cancellationToken));
    }

    public ValueTask DisposeAsync() => Traffic.DisposeAsync();
}
