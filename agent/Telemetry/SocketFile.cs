using System.Net.Sockets;

namespace OnCache.Agent.Telemetry;

/// <summary>The file of a Unix socket.</summary>
internal static class SocketFile
{
    /// <summary>The longest path that fits <c>sun_path</c> with its final zero, in bytes.</summary>
    public const int MaximumPathBytes = 107;

    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes the path free to bind: creates its folder for the owner alone, removes a socket that nobody answers on.</summary>
    /// <exception cref="SocketUnavailableException">Somebody answers there, or the path is something else.</exception>
    public static void Prepare(string path)
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!, Owner | UnixFileMode.UserExecute);
        switch (Probe(path))
        {
            case null:
                throw new SocketUnavailableException($"an agent already answers on {path}; stop it or choose another --socket");
            case SocketError.ConnectionRefused:
                File.Delete(path);
                break;
            case SocketError.AddressNotAvailable or SocketError.NetworkDown or SocketError.HostNotFound:
            case var _ when !Path.Exists(path):
                break;
            default:
                throw new SocketUnavailableException($"{path} is not a socket; remove it or choose another --socket");
        }
    }

    /// <summary>Lets only the owner connect.</summary>
    public static void Restrict(string path) => File.SetUnixFileMode(path, Owner);

    private static SocketError? Probe(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return null;
        }
        catch (SocketException failure)
        {
            return failure.SocketErrorCode;
        }
    }
}

/// <summary>The agent's socket cannot be bound.</summary>
internal sealed class SocketUnavailableException(string message) : Exception(message);
