using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using OnCache.Lab.Bench;

namespace OnCache.Lab.Traffic;

/// <summary>The client's side of one run: a warm-up, then the measured time, both by the same loop.</summary>
internal abstract unsafe class ClientRun : IDisposable
{
    /// <summary>How long any single exchange may take before the path is called broken.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly SessionOffer offer;
    private byte* buffer;

    protected ClientRun(TrafficRequest request, SessionOffer offer)
    {
        Request = request;
        this.offer = offer;
        Peer = new IPEndPoint(request.To, offer.Port);
        buffer = (byte*)NativeMemory.AllocZeroed((nuint)request.MessageSize + 64);
    }

    protected TrafficRequest Request { get; }

    protected IPEndPoint Peer { get; }

    protected byte* Buffer => buffer;

    protected LatencyHistogram Latency { get; } = new();

    public static ClientRun Create(TrafficRequest request, SessionOffer offer) => request.Kind switch
    {
        TrafficKind.TcpRequestResponse => new TcpExchangeRun(request, offer),
        TrafficKind.UdpRequestResponse => new UdpExchangeRun(request, offer),
        TrafficKind.TcpStream => new TcpStreamRun(request, offer),
        TrafficKind.UdpStream => new UdpStreamRun(request, offer),
        TrafficKind.TcpConnectRequestResponse => new TcpConnectRun(request, offer),
        _ => throw new LabException($"traffic kind {request.Kind} has no client"),
    };

    public ClientFigures Measure()
    {
        Begin();
        var meter = new CpuMeter(Request.Cores, offer.Pid, offer.Tid);
        Loop(Deadline(Request.WarmUpSeconds));
        Latency.Clear();
        var before = Progress();
        var start = meter.Read();
        Loop(Deadline(Request.Seconds));
        var usage = meter.Read().Since(start);
        var after = Progress();
        return new ClientFigures(usage, after.Transactions - before.Transactions, after.Bytes - before.Bytes, Latency, after.Sent, after.Lost);
    }

    /// <summary>Keeps the calling thread on the core and makes the data path ready.</summary>
    public void Begin()
    {
        if (Request.Core is { } core)
        {
            CoreUse.Pin(core);
        }

        Open();
    }

    /// <summary>Runs for this long, and until what was sent has arrived.</summary>
    /// <exception cref="LabException">Something was lost: its time would be the timeout's.</exception>
    public ClientSlice Slice(double seconds)
    {
        var (before, start) = (Progress(), Stopwatch.GetTimestamp());
        Loop(Deadline(seconds));
        Drain();
        var (after, elapsed) = (Progress(), Stopwatch.GetElapsedTime(start));
        var (transactions, lost) = (after.Transactions - before.Transactions, after.Lost - before.Lost);
        return transactions > 0 && lost == 0
            ? new ClientSlice(transactions, elapsed)
            : throw new LabException($"traffic: {Peer} answered {transactions} times within a slice and {lost} messages were lost");
    }

    public void Dispose()
    {
        Close();
        NativeMemory.Free(buffer);
        buffer = null;
    }

    /// <summary>Ends the data path, so that the server sees that this run is over.</summary>
    protected virtual void Close()
    {
    }

    /// <summary>Makes the data path ready; throws when the other side cannot be reached.</summary>
    protected abstract void Open();

    /// <summary>Runs until the monotonic clock reaches <paramref name="deadline"/> (Stopwatch ticks, which are nanoseconds on Linux).</summary>
    protected abstract void Loop(long deadline);

    /// <summary>Waits until the receiver has what was sent; nothing where each message is answered.</summary>
    protected virtual void Drain()
    {
    }

    /// <summary>Totals since the beginning.</summary>
    protected abstract ClientProgress Progress();

    /// <summary>Waits for the next exchange's time when a rate was asked for; returns the time then.</summary>
    protected long Pace(long now)
    {
        if (Request.Rate is not { } rate)
        {
            return now;
        }

        // From now on and not from a schedule: what was late is not caught up with.
        Thread.Sleep(TimeSpan.FromSeconds(1.0 / rate));
        return Stopwatch.GetTimestamp();
    }

    private static long Deadline(double seconds) => Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
}

/// <param name="Lost">Losses the client itself has seen.</param>
internal readonly record struct ClientProgress(long Transactions, long Bytes, long Sent, long Lost);

/// <summary>One part of a run.</summary>
internal readonly record struct ClientSlice(long Transactions, TimeSpan Elapsed)
{
    public double MicrosecondsPerTransaction => Elapsed.TotalMicroseconds / Transactions;
}

/// <summary>What the client knows at the end of the measured time.</summary>
internal sealed record ClientFigures(CpuMeter.Usage Usage, long Transactions, long Bytes, LatencyHistogram Latency, long Sent, long Lost)
{
    public TrafficResult Complete(TrafficRequest request, SessionReport report)
    {
        var seconds = Usage.Elapsed / 1e9;
        return new TrafficResult(
            request.Kind,
            seconds,
            Transactions,
            Transactions / seconds,
            Latency.Quantile(0.5) / 1000,
            Latency.Quantile(0.99) / 1000,
            Bytes * 8 / 1e9 / seconds,
            request.Kind == TrafficKind.UdpStream ? Math.Max(0, Sent - report.Messages) : Lost,
            Usage.Busy,
            Usage.Cpu);
    }
}
