using System.Net;
using System.Net.Sockets;

namespace OnCache.Lab.Traffic;

/// <summary>A client's run with its control connection to the server. Opened in the network namespace from which the traffic goes out.</summary>
internal sealed class ClientSession : IDisposable
{
    private static readonly TimeSpan ControlLimit = TimeSpan.FromSeconds(5);
    private readonly TrafficRequest request;
    private readonly ControlChannel control;
    private readonly ClientRun run;

    private ClientSession(TrafficRequest request, ControlChannel control, ClientRun run)
    {
        this.request = request;
        this.control = control;
        this.run = run;
    }

    /// <exception cref="LabException">No server there, or it refuses.</exception>
    public static ClientSession Open(TrafficRequest request) => Told(request, () =>
    {
        var connection = Connect(request);
        try
        {
            var hello = new SessionRequest(SessionRequest.Version, request.Kind, request.MessageSize, request.ServerCore ?? request.Core);
            connection.Write(hello, TrafficJson.Default.SessionRequest);
            var offer = connection.Read(TrafficJson.Default.SessionOffer);
            return offer is { Error: null }
                ? new ClientSession(request, connection, ClientRun.Create(request, offer))
                : throw new LabException($"traffic server {request.To}:{request.Port}: {offer?.Error ?? "closed the connection"}");
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    });

    /// <summary>The whole run, with the server's report at its end.</summary>
    /// <exception cref="LabException">The path broke.</exception>
    public TrafficResult Measure() => Told(request, () =>
    {
        var figures = run.Measure();
        return figures.Complete(request, EndHere());
    });

    /// <summary>Makes the data path ready for <see cref="Slice"/>.</summary>
    /// <exception cref="LabException">The server cannot be reached.</exception>
    public void Begin() => _ = Told(request, () =>
    {
        run.Begin();
        return true;
    });

    /// <summary>One part of the run; the calling thread is in the session's network namespace.</summary>
    /// <exception cref="LabException">The path broke.</exception>
    public ClientSlice Slice(double seconds) => Told(request, () => run.Slice(seconds));

    /// <summary>Ends what <see cref="Begin"/> began.</summary>
    /// <exception cref="LabException">The server is gone.</exception>
    public void End() => _ = Told(request, EndHere);

    public void Dispose()
    {
        run.Dispose();
        control.Dispose();
    }

    private SessionReport EndHere()
    {
        run.Dispose();
        control.EndWriting();
        return control.Read(TrafficJson.Default.SessionReport) ?? throw new LabException($"traffic server {request.To}:{request.Port}: ended without a report");
    }

    private static T Told<T>(TrafficRequest request, Func<T> work)
    {
        try
        {
            return work();
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
