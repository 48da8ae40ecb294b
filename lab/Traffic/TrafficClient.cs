using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Traffic;

/// <summary>Runs traffic against a <see cref="TrafficServer"/> and measures it.</summary>
public static class TrafficClient
{
    private static readonly TimeSpan ControlLimit = TimeSpan.FromSeconds(5);

    /// <summary>Runs inside a network namespace and waits for the result.</summary>
    public static TrafficResult Run(string networkNamespace, TrafficRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        return NetworkNamespace.Run(networkNamespace, () => RunHere(request));
    }

    /// <summary>Runs in the caller's network namespace, on a thread of its own as that is pinned to the core.</summary>
    /// <exception cref="LabException">No server there, or the path broke.</exception>
    public static TrafficResult Run(TrafficRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        return DedicatedThread.Run("traffic client", () => RunHere(request));
    }

    private static TrafficResult RunHere(TrafficRequest request)
    {
        try
        {
            using var control = Connect(request);
            var hello = new SessionRequest(SessionRequest.Version, request.Kind, request.MessageSize, request.ServerCore ?? request.Core);
            control.Write(hello, TrafficJson.Default.SessionRequest);
            var offer = control.Read(TrafficJson.Default.SessionOffer);
            if (offer is not { Error: null })
            {
                throw new LabException($"traffic server {request.To}:{request.Port}: {offer?.Error ?? "closed the connection"}");
            }

            using var run = ClientRun.Create(request, offer);
            var result = run.Measure();
            run.Dispose();
            control.EndWriting();
            var report = control.Read(TrafficJson.Default.SessionReport)
                ?? throw new LabException($"traffic server {request.To}:{request.Port}: ended without a report");
            return result.Complete(request, report);
        }
        catch (SocketException exception)
        {
            throw new LabException($"traffic server {request.To}:{request.Port}: {exception.Message}", exception);
        }
    }

    private static ControlChannel Connect(TrafficRequest request)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            using var limit = new CancellationTokenSource(ControlLimit);
            socket.ConnectAsync(new IPEndPoint(request.To, request.Port), limit.Token).AsTask().GetAwaiter().GetResult();
            socket.ReceiveTimeout = (int)ControlLimit.TotalMilliseconds;
            return new ControlChannel(socket);
        }
        catch (OperationCanceledException exception)
        {
            socket.Dispose();
            throw new LabException($"traffic server {request.To}:{request.Port}: no answer within {ControlLimit.TotalSeconds} s", exception);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
